# Two commands do all the set-up: `make book` (the laptop edition, rendered) and `make test`.
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed

.PHONY: book test lab pairs clean

book: $(STAMP)  ## execute the laptop edition and render it to runs/laptop/site/index.html
	$(VENV)/bin/distilbook run laptop

test: $(STAMP)  ## style, types, then every test, the smoke edition and its site in a browser among them
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/pytest -n 2 --dist worksteal --durations 10

lab: $(STAMP)  ## open the chapters in JupyterLab
	$(VENV)/bin/jupyter lab book

pairs: $(STAMP)  ## regenerate the notebooks from the scripts beside them
	$(VENV)/bin/distilbook pairs

clean:  ## remove the environment; results in runs/ stay
	rm -rf $(VENV)

# The pip part of environment.yml, as pip reads it.
$(STAMP): environment.yml pyproject.toml
	@echo "Building the environment in $(VENV), a few minutes the first time"
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else 0'
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	sed -n '/- pip:/,$$ s/^ *- \(.*\)/\1/p' environment.yml | grep -v '^pip:' > $(VENV)/requirements.txt
	$(VENV)/bin/pip install --disable-pip-version-check --progress-bar off -r $(VENV)/requirements.txt
	touch $(STAMP)
