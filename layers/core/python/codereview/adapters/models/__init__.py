"""Language models behind model_ports.LanguageModel: three providers, a mock, a replay; selection.py chooses."""
