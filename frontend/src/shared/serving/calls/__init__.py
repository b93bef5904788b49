"""The door of a page: what anybody calls through Gradio brings, costs and leaves behind what it must."""
