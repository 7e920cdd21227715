"""No code ever comes out of a file: the sources use nothing that would run or unpickle what they read.

One module does, and checks first whose file it is: compiled kernels and prepared releases are kept as pickles
(tests/likelihood/test_compile.py, tests/test_pickles.py).
"""

import ast

import pytest

RUNNING = {"eval", "exec", "compile", "__import__"}
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle"}
YAML = {"load", "load_all", "full_load", "unsafe_load", "UnsafeLoader", "FullLoader", "Loader"}
OTHERS = {"os": {"system", "popen"}, "pd": {"read_pickle", "eval"}, "np": {"loads"}, "yaml": YAML}


def complaints(source):
    """What stands in a source that must not."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            found += [name for name in names if name.split(".")[0] in MODULES]
        if isinstance(node, ast.Name) and node.id in RUNNING:
            found.append(node.id)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found += [node.attr] if node.attr in OTHERS.get(node.value.id, ()) else []
        if isinstance(node, ast.keyword):
            given = getattr(node.value, "value", True)
            bad = {"allow_pickle": given is not False, "shell": given is not False, "verify": given is False}
            found += [node.arg] if bad.get(node.arg, False) else []
    return found


def test_the_sources_run_and_unpickle_nothing(repository):
    sources = [*repository.glob("src/**/*.py"), *repository.glob("workflow/**/*.py")]
    assert len(sources) > 50
    found = {path.relative_to(repository).as_posix(): complaints(path.read_text(encoding="utf-8")) for path in sources}
    assert {path: bad for path, bad in found.items() if bad} == {"src/nusky/pickles.py": ["pickle"]}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "eval(text)",
        "yaml.load(text, yaml.SafeLoader)",
        "class A(yaml.FullLoader): pass",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "requests.get(url, verify=False)",
        "subprocess.run(text, shell=True)",
        "os.system(text)",
        "pd.read_pickle(path)",
    ],
)
def test_each_of_them_would_be_found(source):
    assert complaints(source)


def test_what_is_allowed_is_not_found():
    assert not complaints(
        "yaml.safe_load(text); np.load(p, allow_pickle=False); requests.get(u, verify=True); re.compile"
    )
