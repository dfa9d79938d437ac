"""Numbers of a study joined over runs, compared with published ones, judged, and put into words."""
