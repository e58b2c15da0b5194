# Two targets do all the set-up on a fresh machine: `make run` and `make test`.
# The browser tests need Chromium: `make` installs it by apt-get where it runs as root on Debian or Ubuntu;
# elsewhere install the system's package (chromium) or name yours: CHROMIUM=/path/to/chromium make test

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test lint bench translations clean

run: $(VENV)/installed
	$(BIN)/consent-service demo

test: $(VENV)/installed chromium
	$(BIN)/pytest

lint: $(VENV)/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.translations

bench: $(VENV)/installed
	for name in signup one_click one_click_busy confirmation_busy export people campaign campaign_dkim campaign_two_workers campaign_postgresql campaign_two_workers_postgresql inbound confirmations survey_results; do $(BIN)/python -m benchmarks.$$name || exit 1; done
	for name in one_click_busy confirmation_busy; do $(BIN)/python -m benchmarks.$$name --database postgresql || exit 1; done

# Gathers the texts of code and templates into the catalogues; translate what is empty in de afterwards.
translations: $(VENV)/installed
	$(BIN)/pybabel --quiet extract -F babel.cfg -k lazy_gettext -k _l -o messages.pot --no-location --project consent-service .
	$(BIN)/pybabel --quiet update -i messages.pot -d consent_service/translations --no-fuzzy-matching --omit-header -l de
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .

$(VENV)/installed: requirements.txt pyproject.toml hatch_build.py $(wildcard consent_service/translations/*/LC_MESSAGES/*.po)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement requirements.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

.PHONY: chromium
chromium:
	@test -n "$(CHROMIUM)" || command -v chromium chromium-browser google-chrome > /dev/null || { \
		test "$$(id -u)" = 0 && command -v apt-get > /dev/null && apt-get update -qq && apt-get install -y -qq chromium; \
	} || { echo "Chromium is needed for the browser tests: install it, or set CHROMIUM=/path/to/it" >&2; exit 1; }

clean:
	rm -rf $(VENV) demo-data dist
