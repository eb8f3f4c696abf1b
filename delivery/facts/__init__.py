"""What delivery knows and decides: facts, and functions of facts. Nothing here touches a wire."""
