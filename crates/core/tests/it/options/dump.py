"""The options of a program, by its own parser: the first argument says which program, the interpreter is that of
its environment. One JSON object on stdout: for each verb the options with a value and those without, in every
spelling. What may have a value and need not is in neither."""
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def sorted_out(pairs):
    """Pairs of a spelling and what it takes: `True`, `False`, or `None` where the value may be left out."""
    pairs = list(pairs)
    return {
        "values": sorted({spelled for spelled, takes in pairs if takes is True}),
        "flags": sorted({spelled for spelled, takes in pairs if takes is False}),
    }


def of_argparse(parser):
    def takes(action):
        if action.nargs is None:
            return True
        if isinstance(action.nargs, int):
            return action.nargs > 0
        return None if action.nargs in ("?", "*") else True

    actions = (one for one in parser._actions if one.option_strings)
    return sorted_out((spelled, takes(one)) for one in actions for spelled in one.option_strings)


def verbs_of_argparse(parser):
    """The parser of each verb, however many words it has."""
    found = {"": of_argparse(parser)}
    for action in parser._actions:
        if isinstance(action.choices, dict):
            for name, inner in action.choices.items():
                for verb, options in verbs_of_argparse(inner).items():
                    found[f"{name} {verb}".strip()] = options
    return found


def of_click(command):
    import click

    options = (one for one in command.params if isinstance(one, click.Option))

    def spelled(option):
        takes = not (option.is_flag or option.count)
        takes = None if takes and option.prompt_required is False else takes
        yield from ((name, takes) for name in (*option.opts, *option.secondary_opts))

    return sorted_out(pair for option in options for pair in spelled(option))


def verbs_of_click(command):
    found = {"": of_click(command)}
    for name, inner in getattr(command, "commands", {}).items():
        for verb, options in verbs_of_click(inner).items():
            found[f"{name} {verb}".strip()] = options
    return found


def pip():
    from pip._internal.commands import commands_dict, create_command

    found = {}
    for verb in commands_dict:
        parser = create_command(verb).parser
        options = [one for group in (parser, *parser.option_groups) for one in group.option_list]
        names = ((spelled, one.takes_value()) for one in options for spelled in (*one._short_opts, *one._long_opts))
        found[verb] = sorted_out(names)
    return found


def poetry():
    from poetry.console.application import Application

    application = Application()
    of_all = application.definition.options
    found = {}
    for name, command in application.all().items():
        options = [*command.definition.options, *of_all]

        def spelled(option):
            takes = option.requires_value() if option.accepts_value() else False
            takes = None if option.accepts_value() and not takes else takes
            yield f"--{option.name}", takes
            for short in (option.shortcut or "").split("|"):
                # Several letters are given as several flags.
                if len(short) == 1:
                    yield f"-{short}", takes

        found[name] = sorted_out(pair for option in options for pair in spelled(option))
    return found


def pdm():
    from pdm.core import Core

    core = Core()
    core.init_parser()
    core.load_plugins()
    return verbs_of_argparse(core.parser)


def pipenv():
    from pipenv.cli.command import build_parser

    return verbs_of_argparse(build_parser())


def pipx():
    from pipx.main import get_command_parser

    return verbs_of_argparse(get_command_parser()[0])


def tox():
    from tox.config.cli.parse import _get_parser_doc

    return verbs_of_argparse(_get_parser_doc())


def nox():
    from nox._options import options

    return {"": of_argparse(options.parser())}


def pip_compile():
    from piptools.scripts import compile, sync

    return {"": of_click(compile.cli), "compile": of_click(compile.cli), "sync": of_click(sync.cli)}


def twine():
    import argparse

    from twine import settings

    parser = argparse.ArgumentParser()
    settings.Settings.register_argparse_arguments(parser)
    return {"upload": of_argparse(parser)}


def hatch():
    from hatch.cli import hatch as command

    return verbs_of_click(command)


def flit():
    import flit

    parsers = []
    import argparse

    class Seen(Exception):
        pass

    def seen(self, *_, **__):
        parsers.append(self)
        raise Seen

    argparse.ArgumentParser.parse_args = seen
    try:
        flit.main([])
    except Seen:
        pass
    return verbs_of_argparse(parsers[0])


def uv():
    program = Path(sys.executable).with_name("uv")
    found = {}
    for verb in ("pip install", "pip sync", "pip compile", "sync", "lock", "add", "run", "tool run", "tool install", "publish", "build"):
        text = subprocess.run([program, *verb.split(), "--help"], capture_output=True, text=True, check=True).stdout
        pairs = []
        for line in re.findall(r"^ +((?:-\w, )?--[\w-]+(?: <[^>]+>|\[=[^]]*\])?(?:\.\.\.)?)", text, re.MULTILINE):
            names = re.findall(r"--?[\w-]+", line.split(" <")[0].split("[")[0])
            takes = True if "<" in line else None if "[=" in line else False
            pairs += [(name, takes) for name in names]
        found[verb] = sorted_out(pairs)
    return found


with tempfile.TemporaryDirectory() as folder:
    for variable in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        os.environ[variable] = f"{folder}/{variable.lower()}"
    os.chdir(folder)
    shown = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    json.dump(globals()[sys.argv[1].replace("-", "_")](), shown)
    shown.flush()
    os.chdir("/")
