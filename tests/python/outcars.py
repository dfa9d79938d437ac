"""OUTCAR files of any convergence, in the words of VASP 5 and 6; numbers are made up."""

from __future__ import annotations

from collections.abc import Sequence

HEAD = """ vasp.{version}.4.4 18Apr17 (build Apr  9 2020) complex
 executed on             LinuxGNU date 2021.04.04  17:42:15
 INCAR:
 POTCAR:    PAW_PBE Li_sv 10Sep2004
 POTCAR:    PAW_PBE Cl 06Sep2000
   VRHFIN =Li: 1s2s2p
   LEXCH  = PE
   TITEL  = PAW_PBE Li_sv 10Sep2004
   VRHFIN =Cl:
   LEXCH  = PE
   TITEL  = PAW_PBE Cl 06Sep2000
   number of dos      NEDOS =    301   number of ions     NIONS =      2
   ions per type =               1   1
   ENCUT  =  {encut:.1f} eV  22.05 Ry    4.70 a.u.   5.46  5.46  5.46*2*pi/ulx,y,z
   NELM   =    {nelm};   NELMIN=  2; NELMDL=  0     # of ELM steps
   EDIFF  = 0.1E-05   stopping-criterion for ELM
   ISIF   =      {isif}    stress and relaxation
   ISMEAR =     0;   SIGMA  =   0.05  broadening in eV -4-tet -1-fermi 0-gaus
   GGA     =    --    GGA type
   LHFCALC =     F    Hartree Fock is set to
{hubbard}"""
CYCLE = """
--------------------------------------- Iteration {ionic:6d}({step:4d})  ---------------------------
 total energy-change (2. order) :{change:14.7E}  (-0.1E-05)
  free energy    TOTEN  =        {energy:.8f} eV
"""
REACHED = " ------------ aborting loop because EDIFF is reached -------------\n"
MISSED = " ------------ aborting loop EDIFF was not reached (unconverged)  --\n"
STEP = """
  FORCE on cell =-STRESS in cart. coord.  units (eV):
  in kB      13.37991    14.49046    15.28119    -1.81087    -1.05080     1.62424
  external pressure =       14.05 kB  Pullay stress =        0.00 kB
      direct lattice vectors                 reciprocal lattice vectors
     5.000000000  0.000000000  0.000000000     0.200000000  0.000000000  0.000000000
     0.000000000  5.000000000  0.000000000     0.000000000  0.200000000  0.000000000
     0.000000000  0.000000000  5.000000000     0.000000000  0.000000000  0.200000000

 POSITION                                       TOTAL-FORCE (eV/Angst)
 -----------------------------------------------------------------------------------
      0.00000      0.00000      {x:.5f}         0.100000      0.200000      0.300000
      2.50000      2.50000      2.50000        -0.100000     -0.200000     -0.300000
 -----------------------------------------------------------------------------------
    total drift:                                0.000000     -0.000000      0.000000

  FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)
  ---------------------------------------------------
  free  energy   TOTEN  =        {energy:.8f} eV

  energy  without entropy=       -6.50108600  energy(sigma->0) =       -6.50161629
"""
END = "\n General timing and accounting informations for this job:\n"
HUBBARD = """ LDA+U is selected, type is set to LDAUTYPE =  {kind}
   angular momentum for each species LDAUL =     0    1
   U (eV)           for each species LDAUU =   {u}
   J (eV)           for each species LDAUJ =   {j}
"""


def outcar(
    cycles: Sequence[tuple[int, float]], nelm: int = 10, version: int = 5, hubbard: str = "",
    isif: int = 2, encut: float = 300.0, energy: float = -6.5, ended: bool = True,
) -> str:
    """Return an OUTCAR of LiCl with one ionic step for each (electronic steps, last change in eV).

    ``version`` 6 says of a cycle that it was not reached where NELM was used up above EDIFF, 5
    never does.
    """
    text = HEAD.format(version=version, nelm=nelm, hubbard=hubbard, isif=isif, encut=encut)
    for ionic, (steps, last) in enumerate(cycles, 1):
        for step in range(1, steps + 1):
            change = last if step == steps else 10.0 ** -step
            text += CYCLE.format(ionic=ionic, step=step, change=change, energy=energy)
        missed = version > 5 and steps >= nelm and abs(last) > 1e-6
        text += MISSED if missed else REACHED
        text += STEP.format(energy=energy + 0.01 * ionic, x=0.01 * ionic)
    return text + (END if ended else "")
