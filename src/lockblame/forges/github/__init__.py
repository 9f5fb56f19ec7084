"""GitHub and GitHub Enterprise: many repositories in one GraphQL request with a token, else REST. Flows only.

`rest` asks one repository, within the allowance of a host that is asked without a token; `survey` asks many through `graphql`.
"""

from __future__ import annotations

from lockblame.forges.github.rest import api_of, graphql_of, issues, search
from lockblame.forges.pages import links

__all__ = ["api_of", "graphql_of", "issues", "links", "search"]
