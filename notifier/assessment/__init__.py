"""Components and advisories: which affect which, the findings, and the upgrades that close them. Pure."""
