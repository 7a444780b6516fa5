"""`make run` from outside: started in a folder of its own, asked as a newcomer would ask it, and stopped."""

import json, os, pathlib, re, signal, subprocess, sys, urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Run:
    """`make run`, up to where it has said how to sign in."""

    def __init__(self, home):
        size = {"DAFTAR_DEMO_ACCOUNTS": "60", "DAFTAR_DEMO_MONTHS": "6"} | dict(os.environ)
        usual = {"DAFTAR_HOME": home, "DAFTAR_LISTEN": "127.0.0.1:0", "DAFTAR_NODE_PORT": "0", "DAFTAR_SEAL_KEY_FILE": f"{home}/seal.key"}
        self.environment = size | usual
        self.process = subprocess.Popen(
            ["make", "run"], cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self.address = self.line(r"GraphQL +(http://\S+)")
        self.store = self.line(r"Event store +(esdb://\S+)")
        self.password = self.line(r"Password +(\S+)")

    def line(self, pattern):
        for line in self.process.stdout:
            print("   |", line, end="", flush=True)
            if found := re.search(pattern, line):
                return found[1]
        sys.exit(f"`make run` ended without a line like {pattern}")

    def ask(self, query, token=None, variables=None):
        headers = {"Content-Type": "application/json", "Accept-Language": "en"} | ({"Authorization": f"Bearer {token}"} if token else {})
        body = json.dumps({"query": query, "variables": variables}).encode()
        with urllib.request.urlopen(urllib.request.Request(self.address, body, headers), timeout=30) as answer:
            answer = json.load(answer)
        if answer.get("errors") or not all(answer["data"].values()):
            sys.exit(f"{query}\nwas answered with {answer}")
        return answer["data"]

    def ask_as(self, who, query):
        sign_in = "mutation($name: String!, $password: String!) { signIn(input: { userName: $name, password: $password }) { accessToken } }"
        token = self.ask(sign_in, variables={"name": who, "password": self.password})["signIn"]["accessToken"]
        return self.ask(query, token)

    def stop(self):
        """As Ctrl-C does: everybody in the terminal hears it."""
        os.killpg(self.process.pid, signal.SIGINT)
        rest = self.process.stdout.read()
        self.process.wait()
        if "Everything has stopped." not in rest:
            sys.exit(f"`make run` did not stop well:\n{rest}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait()
