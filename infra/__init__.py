"""What AURORA runs on: embedded services, the supervisor over all processes, and the commands for both."""
