"""The chapter's runs, one file for each question that is asked of the networks."""
