"""What a server does not carry about: libraries of learning, drawing and channels that are off. A tenth of Rasa's memory is the aim."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

HEAVY = {
    "sklearn",
    "scipy",
    "altair",
    "vl_convert",
    "narwhals",
    "pandas",
    "pypinyin",
    "cryptography",
    "authlib",
    "joserfc",
    "onnxruntime",
    "tokenizers",
    "docx",
    "lxml",
    "xlsxwriter",
}
CODE = """
import sys
from pathlib import Path
from bot import house
from bot.app import create_app
from bot.settings import Settings
settings = Settings(root=Path("."), store={"path": sys.argv[1]})
mind = house.mind(settings)
app = create_app(settings, mind, house.connectors(settings))
mind.engine.predict("校外怎么用VPN")
print(" ".join(sorted(set(sys.argv[2:]) & set(sys.modules))))
import bot.text
bot.text.script_of("校外怎么用VPN")
def resident():
    return int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS"))) / 1000
before = resident()
assert bot.text.traditional("图书馆的头发") == "圖書館的頭髮"
if resident() - before > 20:
    print("a dictionary of traditional phrases")
app.ctx.desk.store.close()
"""


def test_server_has_loaded_no_library_that_it_does_not_use(tmp_path: Path, mind: object) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path / "refdesk.db"), *sorted(HEAVY)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
