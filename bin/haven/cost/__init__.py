"""What dynamics and labels cost."""
