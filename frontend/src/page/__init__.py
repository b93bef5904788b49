"""The page: the only part of the frontend that imports gradio."""
