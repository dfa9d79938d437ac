// The report's own script: values under the pointer, legends that switch curves, tables that sort, files, and the 3D view.
// The page is whole without it. Text from the data goes into the page as text only, never as markup.
'use strict';
(function () {
  // Data is read once somebody asks for it, not when the page opens.
  const island = function (name) {
    let held;
    return function () {
      if (held === undefined) {
        const found = document.getElementById(name);
        held = found ? JSON.parse(found.textContent) : null;
      }
      return held;
    };
  };
  const make = function (tag, given, text) {
    const made = document.createElement(tag);
    for (const name in given || {}) made.setAttribute(name, given[name]);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const say = function (text) { document.getElementById('spoken').textContent = text; };
  const raised = {'-': '⁻', 0: '⁰', 1: '¹', 2: '²', 3: '³', 4: '⁴', 5: '⁵', 6: '⁶', 7: '⁷', 8: '⁸', 9: '⁹'};
  const shown = function (value) { // a number as people read it
    if (value === null || value === undefined) return '–';
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-3 || size >= 1e6)) {
      const parts = value.toExponential(3).split('e');
      return Number(parts[0]) + ' × 10' + parts[1].replace('+', '').replace(/./g, function (c) { return raised[c]; });
    }
    return String(Number(value.toPrecision(4)));
  };

  // ---- details: open where no script runs, folded here; open again on paper -------------------------------------------
  const folded = Array.from(document.querySelectorAll('details[data-fold]'));
  folded.forEach(function (part) { part.open = false; });
  const unfold = function (target) {
    for (let part = target; part; part = part.parentElement) if (part.tagName === 'DETAILS') part.open = true;
  };
  const follow = function () {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target) { unfold(target); target.scrollIntoView(); }
  };
  window.addEventListener('hashchange', follow);
  let before = [];
  window.addEventListener('beforeprint', function () {
    before = folded.map(function (part) { return part.open; });
    folded.forEach(function (part) { part.open = true; });
  });
  window.addEventListener('afterprint', function () { folded.forEach(function (part, n) { part.open = before[n]; }); });

  // ---- figures --------------------------------------------------------------------------------------------------------
  const SPACE = 'http://www.w3.org/2000/svg';
  const figures = island('points');

  const words = function (data, curve, point) {
    const panel = data.panels[curve.panel];
    const lines = [[panel.title, curve.label >= 0 ? data.labels[curve.label] : ''].filter(Boolean).join(', ')];
    lines.push(panel.x + ': ' + shown(point[2]));
    lines.push(panel.y + ': ' + shown(point[3]) + (point.length > 4 ? ' [' + shown(point[4]) + ', ' + shown(point[5]) + ']' : ''));
    return lines.filter(Boolean);
  };

  const liven = function (figure) {
    const svg = figure.querySelector('svg.plot');
    if (!svg) return;
    const off = new Set(), frame = svg.parentElement;
    let at = null, data = null, dot = null, tip = null;
    const wake = function () { // at the first look
      if (data) return;
      data = figures()[figure.getAttribute('data-figure')];
      dot = document.createElementNS(SPACE, 'circle');
      dot.setAttribute('class', 'dot');
      dot.setAttribute('r', '5');
      svg.appendChild(dot);
      tip = make('div', {class: 'tip', 'aria-hidden': 'true'});
      frame.appendChild(tip);
    };
    const opening = function () { // what the point shown opens in three dimensions
      const said = at && at.curve.opens;
      return said ? sceneOf(typeof said === 'string' ? said : said[at.number]) : null;
    };

    const hide = function () {
      if (tip) { tip.style.display = 'none'; dot.style.display = 'none'; }
      svg.classList.remove('opens');
      at = null;
    };
    const show = function (curve, number, aloud) {
      const point = curve.points[number], lines = words(data, curve, point);
      at = {curve: curve, number: number};
      const opened = opening();
      svg.classList.toggle('opens', Boolean(opened));
      tip.textContent = '';
      lines.forEach(function (line, n) { tip.appendChild(make(n ? 'div' : 'strong', {}, line)); });
      if (opened) tip.appendChild(make('div', {class: 'more'}, (aloud ? 'Enter' : 'click') + ': ' + opened.option.textContent + ' in 3D'));
      dot.setAttribute('cx', point[0]);
      dot.setAttribute('cy', point[1]);
      dot.style.display = tip.style.display = 'block';
      const box = svg.getBoundingClientRect(), outer = frame.getBoundingClientRect();
      const scale = box.width / data.size[0];
      const x = box.left - outer.left + point[0] * scale, y = box.top - outer.top + point[1] * scale;
      tip.style.left = Math.max(0, Math.min(x + 12, outer.width - tip.offsetWidth)) + 'px';
      tip.style.top = (y - tip.offsetHeight - 10 < 0 ? y + 14 : y - tip.offsetHeight - 10) + 'px';
      if (aloud) say(lines.concat(opened ? ['Enter shows it in 3D'] : []).join('; '));
    };
    const seen = function () { return data.curves.filter(function (curve) { return !off.has(curve.label); }); };

    const nearest = function (event) {
      wake();
      const box = svg.getBoundingClientRect(), scale = data.size[0] / box.width;
      const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
      let best = 30 * 30, curve = null, number = 0;
      seen().forEach(function (each) {
        each.points.forEach(function (point, n) {
          const away = (point[0] - x) * (point[0] - x) + (point[1] - y) * (point[1] - y);
          if (away < best) { best = away; curve = each; number = n; }
        });
      });
      if (curve) show(curve, number); else hide();
    };
    const open = function () {
      const opened = opening();
      if (opened) { hide(); opened.open(svg); }
    };
    if (!figure.hasAttribute('data-answers')) return keys();
    svg.addEventListener('pointermove', nearest);
    svg.addEventListener('pointerleave', hide);
    svg.addEventListener('click', function (event) {
      if (event.target.closest('.key')) return;
      const before = at && at.curve.points[at.number], finger = event.pointerType === 'touch';
      if (finger || !at) nearest(event);
      // A finger has no place above the page: its first touch shows a point's numbers, its second one opens it.
      if (!finger || (before && at && at.curve.points[at.number] === before)) open();
    });

    // The keyboard: arrows walk along a curve and from curve to curve; escape leaves.
    svg.setAttribute('role', 'group');
    svg.setAttribute('tabindex', '0');
    svg.setAttribute('aria-describedby', 'keys');
    svg.addEventListener('keydown', function (event) {
      if (event.target !== svg) return;
      wake();
      const curves = seen(), step = {ArrowRight: 1, ArrowLeft: -1}[event.key], turn = {ArrowDown: 1, ArrowUp: -1}[event.key];
      if (event.key === 'Escape') { hide(); return; }
      if (event.key === 'Enter' && at) { open(); return; }
      if (!curves.length || (!step && !turn)) return;
      event.preventDefault();
      if (!at || curves.indexOf(at.curve) < 0) { show(curves[0], 0, true); return; }
      if (step) {
        show(at.curve, Math.max(0, Math.min(at.curve.points.length - 1, at.number + step)), true);
      } else {
        const next = curves[(curves.indexOf(at.curve) + turn + curves.length) % curves.length];
        show(next, Math.min(at.number, next.points.length - 1), true);
      }
    });
    svg.addEventListener('blur', hide);
    keys();

    // Legends switch their curves.
    function flip(number) {
      wake();
      if (off.has(number)) off.delete(number); else off.add(number);
      const gone = off.has(number);
      svg.querySelectorAll('[data-series="' + number + '"]').forEach(function (part) { part.classList.toggle('off', gone); });
      svg.querySelectorAll('[data-key="' + number + '"]').forEach(function (part) {
        part.classList.toggle('dim', gone);
        if (part.hasAttribute('aria-pressed')) part.setAttribute('aria-pressed', String(!gone));
      });
      hide();
      say(data.labels[number] + (gone ? ' hidden' : ' shown'));
    }
    function keys() {
      svg.querySelectorAll('[data-key]').forEach(key);
    }
    function key(part) {
      const number = Number(part.getAttribute('data-key'));
      if (!svg.querySelector('[data-series="' + number + '"]')) return;
      part.classList.add('key');
      part.addEventListener('click', function () { flip(number); });
      if (!part.querySelector('text')) return;
      part.setAttribute('role', 'button');
      part.setAttribute('tabindex', '0');
      part.setAttribute('aria-pressed', 'true');
      part.setAttribute('aria-label', 'show ' + part.textContent.trim());
      part.addEventListener('keydown', function (event) {
        if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); flip(number); }
      });
    }
  };

  document.querySelectorAll('figure[data-figure]').forEach(liven);

  // ---- tables ---------------------------------------------------------------------------------------------------------
  const lowered = {'⁻': '-', '⁰': '0', '¹': '1', '²': '2', '³': '3', '⁴': '4', '⁵': '5', '⁶': '6', '⁷': '7', '⁸': '8', '⁹': '9'};
  const number = function (text) { // the first number of a cell, powers of ten included; NaN without one
    const found = /^[<>~(\s]*(-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?)/i.exec(text.replace('−', '-'));
    if (!found) return NaN;
    const power = /× 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)/.exec(text);
    const exponent = power ? Number(power[1].replace(/./g, function (c) { return lowered[c]; })) : 0;
    return Number(found[1].replace(/,/g, '')) * Math.pow(10, exponent);
  };
  const compare = function (a, b, numeric) {
    if (!numeric) return a.localeCompare(b, 'en', {numeric: true});
    const x = number(a), y = number(b);
    return isNaN(x) ? (isNaN(y) ? 0 : 1) : isNaN(y) ? -1 : x - y;
  };
  const numericOf = function (texts) {
    const full = texts.filter(function (text) { return text !== '' && text !== '–'; });
    return full.length > 0 && full.filter(function (text) { return !isNaN(number(text)); }).length > 0.7 * full.length;
  };
  const sortable = function (heads, sort) { // a button in every header
    heads.forEach(function (head, column) {
      const name = head.textContent;
      head.textContent = '';
      const button = make('button', {type: 'button', class: 'sort', title: 'sort', 'aria-label': 'sort by ' + (name || 'row')}, name);
      head.appendChild(button);
      head.setAttribute('aria-sort', 'none');
      head.dataset.name = name; // printed, as a button is not repeated on a table's next page
      button.addEventListener('click', function () {
        const down = head.getAttribute('aria-sort') === 'ascending';
        heads.forEach(function (other) { other.setAttribute('aria-sort', 'none'); });
        head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
        sort(column, down);
        say('sorted by ' + (name || 'row') + (down ? ', falling' : ', rising'));
      });
    });
  };
  const textOf = function (cell) { return cell ? (cell.firstChild ? cell.firstChild.textContent : '').trim() : ''; };

  document.querySelectorAll('figure.table').forEach(function (figure) {
    const body = figure.querySelector('tbody'), heads = Array.from(figure.querySelectorAll('thead th'));
    const rows = Array.from(body.rows);
    if (rows.length < 2 || figure.classList.contains('headline')) return;
    sortable(heads, function (column, down) {
      const numeric = numericOf(rows.map(function (row) { return textOf(row.cells[column]); }));
      rows.map(function (row, place) { return {row: row, place: place, text: textOf(row.cells[column])}; })
        .sort(function (a, b) {
          const none = function (each) { return each.text === '' || each.text === '–' ? 1 : 0; };
          return none(a) - none(b) || (down ? -1 : 1) * compare(a.text, b.text, numeric) || a.place - b.place;
        })
        .forEach(function (each) { body.appendChild(each.row); });
    });
    if (rows.length < 8) return;
    const box = make('input', {type: 'search', class: 'filter', placeholder: 'filter rows', 'aria-label': 'filter rows of: ' +
      figure.querySelector('figcaption').textContent.slice(0, 80)});
    box.addEventListener('input', function () {
      const wanted = box.value.toLowerCase().split(/\s+/);
      let left = 0;
      rows.forEach(function (row) {
        const text = row.textContent.toLowerCase();
        row.hidden = !wanted.every(function (word) { return text.includes(word); });
        if (!row.hidden) left += 1;
      });
      say(left + ' of ' + rows.length + ' rows');
    });
    figure.insertBefore(box, figure.firstChild);
  });

  // ---- files ----------------------------------------------------------------------------------------------------------
  const save = function (name, content, kind) {
    const link = make('a', {download: name, href: URL.createObjectURL(new Blob([content], {type: kind}))});
    document.body.appendChild(link);
    link.click();
    link.remove();
    setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
  };
  const bytesOf = function (base64) {
    const text = atob(base64), bytes = new Uint8Array(text.length);
    for (let n = 0; n < text.length; n += 1) bytes[n] = text.charCodeAt(n);
    return bytes;
  };
  const unpacked = function (link) { // text of a gzip file in a link's address
    const bytes = bytesOf(link.getAttribute('href').split(',')[1]);
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).text();
  };
  document.querySelectorAll('a[data-csv]').forEach(function (link) {
    link.addEventListener('click', function (event) {
      event.preventDefault();
      unpacked(link).then(function (text) { save(link.getAttribute('data-csv') + '.csv', text, 'text/csv'); });
    });
  });
  document.querySelectorAll('a[data-figure-file]').forEach(function (link) { // SVG as it stands, or the numbers drawn
    const key = link.getAttribute('data-figure-file'), kind = link.getAttribute('data-kind');
    link.hidden = false;
    link.addEventListener('click', function (event) {
      event.preventDefault();
      if (kind === 'svg') {
        const copy = document.querySelector('#figure-' + CSS.escape(key) + ' svg.plot').cloneNode(true);
        copy.querySelectorAll('.dot, .off').forEach(function (part) { part.remove(); });
        copy.querySelectorAll('[role], [tabindex]').forEach(function (part) {
          ['role', 'tabindex', 'aria-pressed', 'aria-label', 'class'].forEach(function (name) { part.removeAttribute(name); });
        });
        copy.setAttribute('xmlns', SPACE);
        copy.setAttribute('width', '86mm');
        copy.setAttribute('stroke-linejoin', 'round');
        save(key + '.svg', new XMLSerializer().serializeToString(copy), 'image/svg+xml');
      } else {
        const data = figures()[key], rows = [['panel', 'curve', 'x_axis', 'y_axis', 'x', 'y', 'low_95', 'high_95']];
        data.curves.forEach(function (curve) {
          const panel = data.panels[curve.panel];
          curve.points.forEach(function (point) {
            rows.push([curve.panel, curve.label >= 0 ? data.labels[curve.label] : '', panel.x, panel.y, point[2], point[3],
              point.length > 4 ? point[4] : '', point.length > 4 ? point[5] : '']);
          });
        });
        save(key + '.csv', rows.map(function (row) { return row.map(quoted).join(','); }).join('\n') + '\n', 'text/csv');
      }
    });
  });
  const quoted = function (value) {
    const text = value === null || value === undefined ? '' : String(value);
    return /[",\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
  };
  const texts = island('texts');
  document.querySelectorAll('a[data-text]').forEach(function (link) {
    link.hidden = false;
    link.addEventListener('click', function (event) {
      event.preventDefault();
      save(link.getAttribute('data-text'), texts()[link.getAttribute('data-text')], 'text/plain');
    });
  });
  document.querySelectorAll('button[data-copy]').forEach(function (button) {
    button.hidden = false;
    button.addEventListener('click', function () {
      const from = document.getElementById(button.getAttribute('data-copy'));
      const range = document.createRange();
      range.selectNodeContents(from);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      const done = function () { say('copied'); button.textContent = 'copied'; };
      if (navigator.clipboard && window.isSecureContext) navigator.clipboard.writeText(from.textContent).then(done, function () {});
      else if (document.execCommand('copy')) done();
    });
  });

  // ---- every row of every table -----------------------------------------------------------------------------------------
  const PAGE = 100;
  const parsed = function (text) { // CSV to rows of texts
    const rows = [];
    let row = [], cell = '', inside = false;
    for (let n = 0; n < text.length; n += 1) {
      const c = text[n];
      if (inside) {
        if (c === '"') { if (text[n + 1] === '"') { cell += c; n += 1; } else inside = false; } else cell += c;
      } else if (c === '"') inside = true;
      else if (c === ',') { row.push(cell); cell = ''; }
      else if (c === '\n') { row.push(cell); rows.push(row); row = []; cell = ''; }
      else cell += c;
    }
    return rows;
  };
  const browse = function (button) {
    const place = document.getElementById(button.getAttribute('aria-controls'));
    if (!place.hidden) { place.hidden = true; button.setAttribute('aria-expanded', 'false'); return; }
    place.hidden = false;
    button.setAttribute('aria-expanded', 'true');
    if (place.childElementCount) { place.scrollIntoView({block: 'nearest'}); return; }
    unpacked(button.parentElement.querySelector('a[data-csv]')).then(function (text) {
      const all = parsed(text), names = all.shift();
      let left = all, page = 0;
      const box = make('input', {type: 'search', class: 'filter', placeholder: 'filter rows',
        'aria-label': 'filter rows of table ' + button.getAttribute('data-table')});
      const count = make('p', {class: 'quiet', 'aria-live': 'polite'});
      const scroll = make('div', {class: 'scroll', tabindex: '0', role: 'region',
        'aria-label': 'table ' + button.getAttribute('data-table')});
      const table = make('table'), head = make('thead'), line = make('tr'), body = make('tbody');
      names.forEach(function (name) { line.appendChild(make('th', {scope: 'col'}, name)); });
      head.appendChild(line);
      table.append(head, body);
      scroll.appendChild(table);
      const back = make('button', {type: 'button'}, 'back'), on = make('button', {type: 'button'}, 'on');
      const fill = function () {
        const pages = Math.max(1, Math.ceil(left.length / PAGE));
        page = Math.max(0, Math.min(page, pages - 1));
        body.textContent = '';
        left.slice(page * PAGE, (page + 1) * PAGE).forEach(function (row) {
          const tr = make('tr');
          row.forEach(function (value) { tr.appendChild(make('td', {}, value)); });
          body.appendChild(tr);
        });
        count.textContent = left.length + ' of ' + all.length + ' rows; page ' + (page + 1) + ' of ' + pages;
        back.disabled = page === 0;
        on.disabled = page === pages - 1;
      };
      sortable(Array.from(line.cells), function (column, down) {
        const numeric = numericOf(all.map(function (row) { return row[column]; }));
        const order = function (a, b) {
          const none = (a[column] === '' ? 1 : 0) - (b[column] === '' ? 1 : 0);
          return none || (down ? -1 : 1) * compare(a[column], b[column], numeric);
        };
        all.sort(order);
        left = left === all ? all : left.slice().sort(order);
        page = 0;
        fill();
      });
      box.addEventListener('input', function () {
        const wanted = box.value.toLowerCase().split(/\s+/).filter(Boolean);
        left = wanted.length ? all.filter(function (row) {
          const joined = row.join('\t').toLowerCase();
          return wanted.every(function (word) { return joined.includes(word); });
        }) : all;
        page = 0;
        fill();
      });
      back.addEventListener('click', function () { page -= 1; fill(); });
      on.addEventListener('click', function () { page += 1; fill(); });
      place.append(make('h3', {}, 'Rows of table ' + button.getAttribute('data-table')), box, scroll, count, back, on);
      fill();
      place.scrollIntoView({block: 'nearest'});
    });
  };
  document.querySelectorAll('button[data-table]').forEach(function (button) {
    button.hidden = false;
    button.addEventListener('click', function () { browse(button); });
  });

  // ---- three dimensions -------------------------------------------------------------------------------------------------
  const scenes = island('scenes'), space = document.getElementById('space');
  const options = space ? Array.from(document.getElementById('space-choice').options) : [];
  const RADII = {Li: 0.55, Na: 0.75, Mg: 0.55, K: 0.95, Ag: 0.8, Cu: 0.6, Cl: 0.75, Br: 0.85, I: 0.95, S: 0.8, O: 0.6, F: 0.55};
  const COLOURS = ['#0072B2', '#CC79A7', '#56B4E9', '#F0E442', '#999999'];
  const FIXED = {Li: '#009E73', Ti: '#0072B2', Cl: '#E69F00', Na: '#009E73'};
  const TRACKS = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#777777', '#8C510A'];
  let viewer = null, current = null, hidden = new Set(), printing = false, origin = null;

  const colourOf = function (symbol, place) { return FIXED[symbol] || COLOURS[place % COLOURS.length]; };
  const point = function (list, n) { return {x: list[3 * n], y: list[3 * n + 1], z: list[3 * n + 2]}; };
  const dark = function () { return !printing && matchMedia('(prefers-color-scheme: dark)').matches; };
  const ink = function () { return dark() ? '#d5dbe3' : '#333333'; };

  const load = function () { // the library runs only once somebody looks
    if (window.$3Dmol) return true;
    const held = document.getElementById('library');
    if (!held) return false;
    document.head.appendChild(make('script', {}, held.textContent));
    return Boolean(window.$3Dmol);
  };
  const edges = function (lattice, shape) {
    const corner = function (a, b, c) {
      return {x: a * lattice[0] + b * lattice[3] + c * lattice[6], y: a * lattice[1] + b * lattice[4] + c * lattice[7],
        z: a * lattice[2] + b * lattice[5] + c * lattice[8]};
    };
    [[0, 0], [0, 1], [1, 0], [1, 1]].forEach(function (e) {
      [[[0, e[0], e[1]], [1, e[0], e[1]]], [[e[0], 0, e[1]], [e[0], 1, e[1]]], [[e[0], e[1], 0], [e[0], e[1], 1]]]
        .forEach(function (ends) {
          shape.addCylinder({start: corner.apply(null, ends[0]), end: corner.apply(null, ends[1]), radius: 0.05,
            fromCap: 1, toCap: 1});
        });
    });
  };
  const atoms = function (scene, places, skip) {
    const model = viewer.addModel();
    const list = [];
    scene.which.forEach(function (kind, n) {
      if (skip && skip.has(n)) return;
      const where = point(places, n);
      list.push({elem: scene.species[kind], x: where.x, y: where.y, z: where.z, serial: n, bonds: [], bondOrder: [], properties: {}});
    });
    model.addAtoms(list);
    const small = list.length > 1500 ? 0.8 : 1;
    scene.species.forEach(function (symbol, place) {
      const look = hidden.has(symbol) ? {} : {sphere: {radius: small * (RADII[symbol] || 0.6) * ({band: 0.6, tracks: 0.4}[scene.kind] || 0.8),
        color: colourOf(symbol, place)}};
      model.setStyle({elem: symbol}, look);
    });
    model.setClickable({}, true, function (atom) {
      const text = atom.elem + ' ' + atom.serial + ': ' + [atom.x, atom.y, atom.z].map(function (v) { return v.toFixed(2); }).join(', ') + ' Å';
      document.getElementById('space-note').textContent = text;
    });
    return model;
  };
  const drawing = {
    cell: function (scene) {
      atoms(scene, scene.places);
      edges(scene.lattice, viewer.addShape({color: ink()}));
    },
    density: function (scene, share) {
      const n = scene.shape, bytes = bytesOf(scene.values), l = scene.lattice;
      const row = function (count, start) {
        return -count + ' ' + [0, 1, 2].map(function (k) { return (l[start + k] / count).toFixed(6); }).join(' ');
      };
      const values = Array.from(bytes, function (v) { return (v * v / 65025).toFixed(5); });
      const half = [0, 1, 2].map(function (k) { return (l[k] / n[0] + l[3 + k] / n[1] + l[6 + k] / n[2]) / 2; });
      const cube = ['density', 'density', '0 ' + half.map(function (v) { return v.toFixed(6); }).join(' '), row(n[0], 0), row(n[1], 3),
        row(n[2], 6), values.join(' ')].join('\n');
      const volume = new window.$3Dmol.VolumeData(cube, 'cube');
      const level = Math.pow(10, -3 * (1 - share));
      viewer.addIsosurface(volume, {isoval: level, color: '#009E73', opacity: 0.75, smoothness: 2});
      edges(l, viewer.addShape({color: ink()}));
      return 'surface at ' + shown(level * scene.top) + ' 1/Å³ (largest: ' + shown(scene.top) + ' 1/Å³)';
    },
    network: function (scene, _share, only) {
      const cell = (scenes().find(function (s) { return s.kind === 'density'; }) || {}).lattice;
      const names = Array.from(new Set(scene.sites.map(function (s) { return s[0]; }))).sort();
      scene.sites.forEach(function (site) {
        viewer.addSphere({center: {x: site[1], y: site[2], z: site[3]}, radius: 0.35, color: COLOURS[names.indexOf(site[0]) % COLOURS.length],
          clickable: true, callback: function () { document.getElementById('space-note').textContent = 'site ' + site[0]; }});
      });
      const most = Math.max.apply(null, scene.jumps.map(function (j) { return j[6]; }).concat([1]));
      scene.jumps.forEach(function (jump) {
        if (only && jump[8] !== only) return;
        viewer.addCylinder({start: {x: jump[0], y: jump[1], z: jump[2]}, end: {x: jump[3], y: jump[4], z: jump[5]},
          radius: 0.04 + 0.2 * Math.sqrt(jump[6] / most), color: jump[7] ? '#D55E00' : '#009E73', fromCap: 2, toCap: 2,
          clickable: true, callback: function () {
            document.getElementById('space-note').textContent = jump[8] + (jump[7] ? ', between layers' : ', within a layer') + ': ' + jump[6] +
              (jump[6] === 1 ? ' jump' : ' jumps');
          }});
      });
      if (cell) edges(cell, viewer.addShape({color: ink()}));
      return 'sites ' + names.map(function (name) { return name; }).join(', ') + '; green: within a layer, vermilion: between layers; thicker: more jumps' +
        (only ? '; only ' + only : '');
    },
    tracks: function (scene, _share, only) {
      const one = only && scene.ions.find(function (ion) { return String(ion.ion) === only; });
      const far = new Set(); // of one ion: the host that is not about it
      if (one) {
        for (let n = 0; n < (scene.places || []).length / 3; n += 1) {
          let near = Infinity;
          for (let k = 0; k < one.places.length; k += 3) {
            near = Math.min(near, Math.hypot(one.places[k] - scene.places[3 * n], one.places[k + 1] - scene.places[3 * n + 1],
              one.places[k + 2] - scene.places[3 * n + 2]));
          }
          if (near > 4) far.add(n);
        }
      }
      if (scene.species) atoms(scene, scene.places, far);
      scene.ions.forEach(function (ion, n) {
        if (one && ion !== one) return;
        const colour = TRACKS[n % TRACKS.length], shape = viewer.addShape({color: colour});
        const count = ion.places.length / 3;
        for (let k = 1; k < count; k += 1) {
          shape.addCylinder({start: point(ion.places, k - 1), end: point(ion.places, k), radius: 0.06, fromCap: 1, toCap: 1});
        }
        const tell = function () {
          document.getElementById('space-note').textContent = 'ion ' + ion.ion + ': farthest ' + ion.far + ' Å from its start, ' + ion.layers +
            (ion.layers === 1 ? ' layer' : ' layers');
        };
        viewer.addSphere({center: point(ion.places, 0), radius: 0.3, color: colour, clickable: true, callback: tell});
        viewer.addSphere({center: point(ion.places, count - 1), radius: 0.55, color: colour, clickable: true, callback: tell});
      });
      const cell = scene.lattice || (scenes().find(function (s) { return s.kind === 'cell'; }) || {}).lattice;
      if (cell && !one) edges(cell, viewer.addShape({color: ink()}));
      return 'small sphere: start, large: end; farthest from the start: ' + (one ? [one] : scene.ions).map(function (ion) {
        return 'ion ' + ion.ion + ' ' + ion.far + ' Å';
      }).join(', ') + (one ? '; the other ions are left out' : '');
    },
    band: function (scene, share) {
      const number = Math.round(share * (scene.images.length - 1)), places = scene.images[number];
      atoms(scene, places);
      const most = Math.max.apply(null, scene.energies.concat([1e-9]));
      scene.moves.forEach(function (mover) {
        scene.images.forEach(function (image, n) {
          viewer.addSphere({center: point(image, mover), radius: n === number ? 0.4 : 0.2, color: n === number ? ink() : '#D55E00',
            opacity: n === number ? 1 : 0.4 + 0.6 * Math.max(0, scene.energies[n]) / most});
        });
      });
      return 'image ' + (number + 1) + ' of ' + scene.images.length + ': ' + shown(scene.energies[number]) + ' eV';
    }
  };
  const slides = {density: 'level of the surface', band: 'image along the path'};

  const draw = function (keep) {
    const range = document.getElementById('space-slide');
    const turned = keep ? viewer.getView() : null;
    viewer.removeAllModels();
    viewer.removeAllShapes();
    viewer.removeAllSurfaces();
    viewer.setBackgroundColor(printing ? 0xffffff : getComputedStyle(document.body).backgroundColor.replace(/^rgba?\(|\)$/g, '').split(',')
      .slice(0, 3).reduce(function (sum, part) { return sum * 256 + Number(part); }, 0), 1);
    const words = drawing[current.scene.kind](current.scene, Number(range.value) / 100, current.only);
    if (turned) viewer.setView(turned);
    else { viewer.zoomTo(); viewer.rotate(-75, 'x'); viewer.rotate(15, 'y'); viewer.zoom(current.scene.kind === 'density' ? 0.75 : 1); }
    viewer.render();
    document.getElementById('space-note').textContent = [current.scene.note, words].filter(Boolean).join('; ');
  };
  const look = function (number, only) {
    const holder = document.getElementById('space-view'), scene = scenes()[number], start = document.getElementById('space-start');
    if (start) start.remove();
    if (!viewer) {
      if (!load()) { space.classList.add('none'); return; }
      try {
        viewer = window.$3Dmol.createViewer(holder, {antialias: true});
      } catch (error) { viewer = null; }
      if (!viewer || !holder.querySelector('canvas')) {
        document.getElementById('space-note').textContent = 'This browser draws nothing in three dimensions (WebGL is off); the figures above show the same.';
        return;
      }
      holder.querySelector('canvas').setAttribute('aria-hidden', 'true');
      holder.classList.add('on');
      holder.setAttribute('role', 'img');
    }
    current = {scene: scene, only: only};
    document.getElementById('space-choice').value = String(number);
    holder.setAttribute('aria-label', 'three-dimensional view: ' + scene.name);
    const slide = document.getElementById('space-slide'), label = document.getElementById('space-slide-label');
    label.hidden = !(scene.kind in slides);
    label.firstChild.textContent = slides[scene.kind] || '';
    slide.value = scene.kind === 'density' ? '45' : scene.kind === 'band' && only ? String(100 * Number(only) / (scene.images.length - 1)) : '50';
    const kinds = document.getElementById('space-kinds');
    kinds.textContent = '';
    hidden = new Set();
    (scene.species || []).forEach(function (symbol, place) {
      const label = make('label'), box = make('input', {type: 'checkbox'}), dot = make('span', {class: 'swatch'});
      dot.style.background = colourOf(symbol, place);
      box.checked = true;
      box.addEventListener('change', function () { if (box.checked) hidden.delete(symbol); else hidden.add(symbol); draw(true); });
      label.append(box, dot, symbol);
      kinds.appendChild(label);
    });
    draw(false);
  };
  // What a row or a point refers to: its option and how to open it; null where the page holds no such scene.
  const sceneOf = function (said) {
    const parts = said.split('|'), any = parts[0].endsWith('*'), name = any ? parts[0].slice(0, -1) : parts[0];
    const mine = options.filter(function (option) {
      const run = option.getAttribute('data-run');
      return name && run && (any ? run.startsWith(name) : run === name);
    });
    const same = mine.find(function (option) { return option.getAttribute('data-kind') === parts[1]; }), found = same || mine[0];
    return found ? {option: found, open: function (from) {
      origin = from;
      document.getElementById('space-back').hidden = false;
      look(options.indexOf(found), same ? parts[2] : undefined);
      document.getElementById('space').scrollIntoView();
      document.getElementById('space-choice').focus({preventScroll: true});
      say('shown in 3D: ' + found.textContent);
    }} : null;
  };
  if (space && options.length) {
    space.hidden = false;
    const choice = document.getElementById('space-choice');
    choice.addEventListener('change', function () { look(Number(choice.value)); });
    document.getElementById('space-slide').addEventListener('input', function () { draw(true); });
    const turns = {left: [-15, 'y'], right: [15, 'y'], up: [-15, 'x'], down: [15, 'x']};
    document.querySelectorAll('[data-turn]').forEach(function (button) {
      button.addEventListener('click', function () {
        if (!viewer) { look(Number(choice.value)); return; }
        const how = button.getAttribute('data-turn');
        if (how === 'in' || how === 'out') viewer.zoom(how === 'in' ? 1.25 : 0.8);
        else if (how === 'again') { draw(false); return; }
        else viewer.rotate(turns[how][0], turns[how][1]);
        viewer.render();
      });
    });
    document.getElementById('space-start').addEventListener('click', function () { look(Number(choice.value)); });
    document.getElementById('space-back').addEventListener('click', function () {
      unfold(origin);
      origin.scrollIntoView({block: 'center'});
      origin.focus({preventScroll: true});
    });
    const watched = new IntersectionObserver(function (seen) {
      if (seen.some(function (entry) { return entry.isIntersecting; })) {
        watched.disconnect();
        if (!viewer) look(Number(choice.value));
      }
    });
    watched.observe(document.getElementById('space-view'));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', function () { if (viewer) draw(true); });

    // On paper the view is a still picture, dark on white.
    window.addEventListener('beforeprint', function () {
      if (!document.getElementById('space-view').clientWidth) return; // laid out for paper already: the picture stands
      printing = true;
      if (!viewer) look(Number(choice.value)); else draw(true);
      const drawn = document.querySelector('#space-view canvas'), still = document.getElementById('space-still');
      if (!viewer || !drawn) return;
      still.height = drawn.height;
      still.width = Math.min(drawn.width, Math.round(1.4 * drawn.height)); // its middle
      still.getContext('2d').drawImage(drawn, (still.width - drawn.width) / 2, 0);
      still.setAttribute('aria-label', 'still picture: ' + choice.selectedOptions[0].textContent);
      still.classList.add('on');
    });
    window.addEventListener('afterprint', function () {
      if (printing && viewer) { printing = false; draw(true); }
      printing = false;
    });

    // A run, jump or path of a table shows what it is of.
    document.querySelectorAll('tr[data-scene]').forEach(function (row) {
      const found = sceneOf(row.getAttribute('data-scene'));
      if (!found) return;
      const button = make('button', {type: 'button', class: 'turn', 'aria-label': 'show in 3D: ' + found.option.textContent}, '3D');
      row.cells[0].appendChild(button);
      row.classList.add('live');
      row.addEventListener('click', function () {
        if (!String(getSelection())) found.open(button);
      });
    });
  }
  follow();
  document.documentElement.setAttribute('data-ready', 'yes');
}());
