"""Where rows come from: finding what is new in a source, and turning its records into canonical rows."""
