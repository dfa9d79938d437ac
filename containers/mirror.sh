#!/usr/bin/env bash
# Prints the first mirror of Debian's own archive in this machine's apt settings.
set -euo pipefail
found=$(apt-get indextargets --format '$(COMPONENT) $(SITE) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
  awk '$1 == "main" && $3 !~ /security/ { sub("/$", "", $3); print $3; exit }')
[ -n "$found" ] || { echo "haven: error: apt's settings name no Debian mirror" >&2; exit 2; }
echo "$found"
