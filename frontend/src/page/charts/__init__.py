"""The charts: the tab (`charts_tab.py`), what is chosen (`choice.py`), and a file for each chart."""
