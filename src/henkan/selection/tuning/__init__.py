"""Search for better settings: trials with other settings, and a comparison of the best with the defaults."""
