"""The judgement: evidence on one walk in rows, each bound to the quantities that it spoils, and what is withheld."""
