"""Language models behind ports.LanguageModel: three providers, a mock, a replay; selection.py chooses."""
