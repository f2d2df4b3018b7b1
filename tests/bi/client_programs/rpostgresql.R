# Answers the questions of python.py through DBI and RPostgreSQL: rpostgresql.R HOST PORT DATABASE USER PASSWORD.
# Debian has no package of R's duckdb, so R reads the exported schema here.
suppressPackageStartupMessages({
  library(DBI)
  library(RPostgreSQL)
})

SCORES <- paste(
  "select version, month, department, nps, nps_lower, nps_upper, nps_n",
  "from kizuna.publication cross join kizuna.kpi_loyalty_monthly",
  "where level = 'month_department' and nps is not null order by month, department"
)
COMMENTS <- paste(
  "select count(col_description(attrelid, attnum)) as n from pg_attribute",
  "where attrelid = 'kizuna.kpi_loyalty_monthly'::regclass and attnum > 0"
)

at <- commandArgs(trailingOnly = TRUE)
connect <- function() {
  dbConnect(
    PostgreSQL(),
    host = at[1], port = as.integer(at[2]), dbname = at[3], user = at[4], password = at[5]
  )
}
quoted <- function(values) paste0('"', as.character(values), '"')
answer <- function(connection) {
  scores <- dbGetQuery(connection, SCORES)
  columns <- lapply(scores, function(values) if (is.numeric(values)) sprintf("%.17g", values) else quoted(values))
  rows <- if (nrow(scores)) paste0("[", do.call(paste, c(columns, sep = ", ")), "]") else character(0)
  comments <- dbGetQuery(connection, COMMENTS)$n
  sprintf('{"rows": [%s], "comments": %d}', paste(rows, collapse = ", "), as.integer(comments))
}
say <- function(text) {
  cat(text, "\n", sep = "")
  flush(stdout())
}

first <- connect()
beside <- NULL
say(sprintf(
  '{"client": "R %s.%s, RPostgreSQL %s"}', R.version$major, R.version$minor, packageVersion("RPostgreSQL")
))
lines <- file("stdin", "r")
while (length(line <- readLines(lines, n = 1)) > 0) {
  if (line == "same") {
    asked <- first
  } else if (line == "beside") {
    asked <- beside <- connect()
  } else {
    dbDisconnect(beside)
    dbDisconnect(first)
    asked <- first <- connect()
  }
  say(answer(asked))
}
