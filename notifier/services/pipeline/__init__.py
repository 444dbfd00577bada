"""The stages of a run, alone and together, polls, mirrors, and the demo."""
