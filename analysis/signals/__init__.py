"""From raw channels to clean signals: filters, axes, force plates, events, EMG."""
