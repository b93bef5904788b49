"""The backend's page; the only modules of this Space that import gradio."""
