"""lockblame: which dependency change broke the deployment."""
