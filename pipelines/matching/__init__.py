"""Who is who: how well records find their people, and links that are only probable.

Belongs here: the tables of proposed links, Splink's model behind them, the match rates of the nights. Does not: the
matching by declared keys, which is dbt's (``int_identity__matches``), nor the decision which evidence counts more.

Nothing is imported here: Splink takes seconds to load, and most companies leave it switched off.
"""
