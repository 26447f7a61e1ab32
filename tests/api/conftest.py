"""An authority that may write, on the site that commits nothing."""

import pytest
import webtest
from sqlalchemy.orm import Session

from tests.api.calls import Authority
from tests.conftest import Running


@pytest.fixture
def council(web: webtest.TestApp, shared: Running, db: Session) -> Authority:
    return Authority(web, shared.site, db)
