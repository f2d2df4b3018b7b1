"""The scorecard: one page that managers open, made of one publication.

Belongs here: what is asked of the published file, how it is drawn and said. Does not: any measure; every number on the
page is one of the published file. The page is one file that asks nothing of the network: data, charts, texts in
both languages and the code that draws them are in it.

Nothing is imported here: ``kizuna kpi`` asks for the headlines, and waits for no charts.
"""
