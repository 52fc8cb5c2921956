"""What tasks have written: in the workspace, and on its way into the store."""
