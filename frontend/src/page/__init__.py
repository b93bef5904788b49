"""The page, its tabs and its endpoints: the only part of the frontend that imports gradio."""
