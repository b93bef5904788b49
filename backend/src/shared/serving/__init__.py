"""What stands between strangers and Gradio: open routes, bounded calls, files over HTTP."""
