# What one does with this project. Needs Python 3.11 to 3.13, git and make; everything else goes into .venv/.

FRONTEND := .venv/frontend/.ready
BACKEND := .venv/backend/.ready
LIGHTEVAL := .venv/lighteval/.ready
DEV := .venv/dev/.ready

.PHONY: help demo backup restore remove retire rerun deploy deploy-static try-task upgrade test test-frontend test-backend test-lighteval test-whole test-slow test-live chaos bench doctor style quality lock seeds envs clean
.DEFAULT_GOAL := help

help:  ## say what each target does
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

demo: $(FRONTEND) $(BACKEND) $(if $(findstring lighteval,$(ARGS)),$(LIGHTEVAL))  ## run the whole leaderboard on this machine (ARGS="--exit --engine lighteval")
	.venv/backend/bin/python scripts/demo.py $(ARGS)

upgrade:  ## bring the newest version of the template, your edits kept (TEMPLATE=address, ARGS=--dry-run)
	@$(or $(PYTHON),$(error $(NO_PYTHON))) scripts/upgrade.py $(ARGS)

test: $(FRONTEND) $(BACKEND) $(LIGHTEVAL) $(DEV)  ## run all tests but the slow ones (PYTEST_ARGS="-k claim -x": more options for pytest)
	@$(MAKE) --no-print-directory --keep-going --jobs=$(LANES) --output-sync=target test-whole test-backend test-frontend test-lighteval

test-frontend: $(FRONTEND)  ## run the tests of the frontend, and of the code that both Spaces share
	.venv/frontend/bin/python -m pytest -o pythonpath="frontend tests" tests/frontend tests/shared $(SIDE_BY_SIDE) $(MARKS) $(PYTEST_ARGS)

test-backend: $(BACKEND)  ## run the tests of the backend
	.venv/backend/bin/python -m pytest -o pythonpath="backend tests" tests/backend $(SIDE_BY_SIDE) $(MARKS) $(PYTEST_ARGS)

test-lighteval: $(LIGHTEVAL)  ## run the tests of lighteval as the engine
	.venv/lighteval/bin/python -m pytest -o pythonpath="backend tests" tests/lighteval $(MARKS) $(PYTEST_ARGS)

test-whole: $(FRONTEND) $(BACKEND) $(LIGHTEVAL) $(DEV)  ## run the tests of the two Spaces as processes, and of the project itself
	.venv/dev/bin/python -m pytest tests/whole tests/project $(SIDE_BY_SIDE) $(MARKS) $(PYTEST_ARGS)

# How many of the four lanes run at the same time. Slow tests start so many programs that two are enough.
LANES = 3

# Tests of one file stay in one process, which starts its Spaces and browsers once.
SIDE_BY_SIDE = -n 2 --dist loadfile

test-slow:  ## run the slow tests only: the long forms, and those of the Hub that the tests use
	@$(MAKE) --no-print-directory test MARKS="-m slow" LANES=2

test-live: $(FRONTEND)  ## run the tests of the stores on the real Hub (LEADERBOARD_LIVE_ORG, LEADERBOARD_LIVE_TOKEN)
	.venv/frontend/bin/python -m pytest -o pythonpath="frontend tests" tests/shared -m live $(PYTEST_ARGS)

chaos: $(BACKEND)  ## kill workers at random moments and see that nothing is lost (20 minutes; ARGS=--help: other plans)
	PYTHONPATH=backend:tests .venv/backend/bin/python tests/support/chaos.py $(ARGS)

bench: $(FRONTEND) $(BACKEND) $(DEV)  ## measure how fast it all is, and write docs/benchmarks.md (ARGS="table page": some parts)
	@PYTHONPATH=tests .venv/dev/bin/python -m bench $(ARGS)

doctor: $(FRONTEND) $(BACKEND)  ## check a leaderboard, and change nothing: ORG=acme (BOARD=math; ARGS="--json --strict --try")
	@PYTHONPATH=scripts:frontend .venv/frontend/bin/python -m doctor $(if $(ORG),"$(ORG)") $(if $(BOARD),--board "$(BOARD)") $(ARGS)

backup: $(FRONTEND)  ## copy a whole leaderboard into a folder: ORG=acme TO=folder (BOARD=math)
	@$(UPKEEP) backup $(if $(TO),"$(TO)",$(call needed,Say where to: make backup ORG=acme TO=folder)) $(ARGS)

restore: $(FRONTEND)  ## give a leaderboard the files of a backup: ORG=acme FROM=folder (ARGS=--replace, --help)
	@$(UPKEEP) restore $(if $(FROM),"$(FROM)",$(call needed,Say from where: make restore ORG=acme FROM=folder)) $(ARGS)

remove: $(FRONTEND)  ## delete all that a leaderboard has of a model: ORG=acme MODEL=org/name REASON="why"
	@$(UPKEEP) remove $(if $(MODEL),"$(MODEL)" --reason "$$REASON",$(call needed,Say which: make remove ORG=acme MODEL=org/name REASON="why")) $(ARGS)

retire: $(FRONTEND)  ## end a leaderboard, or freeze it: ORG=acme REASON="a sentence" (ARGS="--freeze", --undo, --help)
	@$(UPKEEP) retire $(if $(REASON),--reason "$$REASON") $(ARGS)

rerun: $(FRONTEND)  ## compute scores again: ORG=acme ARGS=--missing (ARGS="--task NAME --model org/name", --all, --help)
	@$(UPKEEP) rerun $(ARGS)

# What is missing is told, unless somebody asks for help.
needed = $(if $(findstring help,$(ARGS)),,$(error $(1)))

UPKEEP = PYTHONPATH=scripts:frontend .venv/frontend/bin/python -m upkeep $(if $(ORG),--org "$(ORG)") $(if $(BOARD),--board "$(BOARD)")

style: $(DEV)  ## format and mend the code, write the shared copies
	.venv/dev/bin/ruff format
	.venv/dev/bin/python scripts/shared_copies.py
	.venv/dev/bin/ruff check --fix

deploy: $(FRONTEND)  ## make or update your leaderboard on the Hub: ORG=acme (BOARD=math: another; ARGS=--dry-run, --help)
	@PYTHONPATH=scripts:frontend .venv/frontend/bin/python -m deploy $(if $(ORG),"$(ORG)",$(call needed,Say where: make deploy ORG=acme)) $(if $(BOARD),--board "$(BOARD)") $(ARGS)

deploy-static: $(FRONTEND)  ## show your board in a free static Space: ORG=alice (BOARD=math; ARGS="--every 30m", --dry-run, --help)
	@PYTHONPATH=scripts:frontend .venv/frontend/bin/python -m deploy_static $(if $(ORG),"$(ORG)",$(call needed,Say where: make deploy-static ORG=alice)) $(if $(BOARD),--board "$(BOARD)") $(ARGS)

try-task: $(BACKEND)  ## show a task's prompts, and what a small model answers: TASK=arc_challenge (ARGS="--limit 5", --help)
	@cd backend && ../.venv/backend/bin/python -m src.try_task $(if $(TASK),"$(TASK)") $(ARGS)

lock: $(DEV)  ## compile each requirements.txt from its requirements.in (ARGS=--upgrade: the newest that it allows)
	.venv/dev/bin/python scripts/lock_requirements.py $(ARGS)

quality: $(FRONTEND) $(BACKEND) $(DEV)  ## check what can be checked without running: style, types, copies, locks, docs
	.venv/dev/bin/ruff format --check
	.venv/dev/bin/ruff check
	.venv/dev/bin/python scripts/shared_copies.py --check
	.venv/dev/bin/python scripts/lock_requirements.py --check
	cd frontend && ../.venv/frontend/bin/python -m mypy --config-file ../pyproject.toml --cache-dir ../.mypy_cache/frontend app.py src
	cd backend && ../.venv/backend/bin/python -m mypy --config-file ../pyproject.toml --cache-dir ../.mypy_cache/backend app.py src
	.venv/dev/bin/python -m pytest tests/project

seeds: $(BACKEND)  ## compute the models and results of the seeds again
	.venv/backend/bin/python scripts/make_seeds.py $(ARGS)

envs: $(FRONTEND) $(BACKEND) $(DEV)  ## make the environments in .venv/ (targets make what they need, also .venv/lighteval)

clean:  ## remove the environments and the caches
	rm -rf .venv .hypothesis
	find . -type d '(' -name __pycache__ -o -name '.*_cache' ')' -prune -exec rm -rf {} +

# One rule makes every environment, from its requirement files. PYTHON is the first of these that runs and fits.
PYTHON = $(shell for p in python3.11 python3.12 python3.13 python3; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1 && echo $$p && break; done)

NO_PYTHON = No Python 3.11, 3.12 or 3.13 runs here: install one, or name it: make PYTHON=/its/path

$(FRONTEND): frontend/requirements.txt tests/requirements.txt
$(BACKEND): backend/requirements.txt tests/requirements.txt
$(LIGHTEVAL): backend/requirements-lighteval.txt tests/requirements.txt
$(DEV): tests/whole/requirements.txt tests/requirements.txt

.venv/%/.ready: scripts/make_environment.py
	@$(or $(PYTHON),$(error $(NO_PYTHON))) \
	  $< .venv/$* $(filter %.txt,$^)
