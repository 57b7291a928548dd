import socket, json, threading, time
from urllib.parse import urlsplit
import pytest
from tests.serving import until

def raw(served, data, read=True):
    host, port = served.host.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as s:
        s.sendall(data)
        if read:
            out=b""
            try:
                while True:
                    b=s.recv(65536)
                    if not b: break
                    out+=b
                    if b"\r\n\r\n" in out: break
            except TimeoutError: out+=b"TIMEOUT"
            return out

def req(method, path, body=b"", **h):
    head = f"{method} ".encode()+path+b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    for k,v in h.items(): head += k.replace("_","-").encode()+b": "+(v if isinstance(v,bytes) else v.encode())+b"\r\n"
    return head+f"Content-Length: {len(body)}\r\n\r\n".encode()+body

def test_bytes(served):
    for name, data in {
      "cookie": req("GET", b"/", Cookie=b"refdesk_visitor=\xff\xfe"),
      "session": req("GET", b"/desk", Cookie=b"refdesk_session=\xff\xfe"),
      "auth": req("POST", b"/webhooks/rest/webhook", b"{}", Authorization=b"Bearer \xff"),
      "mailbox": req("GET", b"/mailbox/%ff%fe"),
      "mailbox0": req("GET", b"/mailbox/%00"),
      "setup": req("GET", b"/setup/%ff"),
      "path": req("GET", b"/\xff"),
      "garbage": b"GARBAGE\r\n\r\n",
      "lang": req("GET", b"/?lang=%ff&after=x"),
      "lone": req("POST", b"/webhooks/rest/webhook", b'{"sender":"a","message":"x\\ud83d"}', Content_Type="application/json"),
      "lone2": req("POST", b"/chat/messages", b'{"text":"x\\ud83d"}', Content_Type="application/json"),
      "big": req("POST", b"/chat/feedback", b'{"message":1000000000000000000000000,"helpful":true}', Content_Type="application/json", Cookie="refdesk_visitor="+"a"*32),
      "bigafter": req("POST", b"/chat/messages?after="+b"9"*30, b'{"text":"x"}', Content_Type="application/json"),
      "bigafter2": req("POST", b"/chat/messages?after="+b"9"*5000, b'{"text":"x"}', Content_Type="application/json"),
      "html413": b"POST /chat/messages HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nContent-Type: application/json\r\nContent-Length: 9999999\r\n\r\n",
      "multipart": req("POST", b"/chat/messages", b'garbage', Content_Type="multipart/form-data"),
      "head": req("HEAD", b"/"),
      "options": req("OPTIONS", b"/chat/messages"),
      "delete": req("DELETE", b"/chat/messages"),
      "form": req("POST", b"/chat/messages", b"text=%ff%fe%ed%a0%bd&id=%ff", Content_Type="application/x-www-form-urlencoded"),
      "formchoice": req("POST", b"/chat/messages", b"text=VPN", Content_Type="application/x-www-form-urlencoded"),
      "badlen": b"POST /chat/messages HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n",
      "chunk": b"POST /webhooks/rest/webhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "deep": req("POST", b"/webhooks/rest/webhook", b'['*100000, Content_Type="application/json"),
      "stubbad": req("POST", b"/webhooks/stub", b'[', Content_Type="application/json"),
      "stubbad2": req("POST", b"/webhooks/stub", b'{}', Content_Type="application/json"),
      "events": req("GET", b"/chat/events", Cookie="refdesk_visitor="+"a"*32, Last_Event_ID="9"*30),
      "login": req("POST", b"/login", b"login=%00%ff&password=%ff", Content_Type="application/x-www-form-urlencoded"),
    }.items():
        out=raw(served,data)
        print("##",name, out.split(b"\r\n")[0], b"nosniff" in out, out.split(b"\r\n\r\n",1)[-1][:150])

def test_numbers(served):
    a = served.librarian()
    for p in ("/desk/tickets/99999999999999999999999","/desk/tickets/0","/desk/tickets/-1","/reports?from=0001-01-01&to=9999-12-31","/reports?from=0001-01-01","/reports?to=9999-12-31","/reports?format=","/reports?from=20261101&to=2026-W48-1", "/reports?format=csv&by=x", "/desk/tickets/"+"9"*5000):
        r=a.get(p); print(p[:60], r.status_code, r.text[:80] if r.status_code>=500 else "")
    print(a.post("/desk/tickets/99999999999999999999999/claim").status_code)

def test_disconnect(served):
    gate=threading.Event()
    served.desk.store.write(lambda s: gate.wait(5))
    raw(served, req("POST", b"/webhooks/rest/webhook", json.dumps({"sender":"a","message":"hi"}).encode()), read=False)
    time.sleep(0.3)
    gate.set()
    time.sleep(0.3)
    print("alive", served.desk.store._writer.is_alive())
    print(served.messages("rest","a"))

def test_full(served):
    c=served.client()
    def limit(s):
        n=s._db.conn.execute("pragma page_count").fetchone()[0]
        s._db.conn.execute(f"pragma max_page_count = {n}")
    served.desk.store.write(limit).result()
    for i in range(60):
        r=c.post("/webhooks/rest/webhook",json={"sender":f"a{i}","message":"转人工"+"长"*900})
        if r.status_code!=200: print(i,r.status_code,r.text); break
    r=c.post("/chat/messages",json={"text":"转人工"+"长"*9000}); print(r.status_code,r.text)
    served.desk.store.write(lambda s: s._db.conn.execute("pragma max_page_count = 1000000")).result()
    r=c.post("/webhooks/rest/webhook",json={"sender":"zz","message":"转人工"}); print(r.status_code,r.text[:50])

def test_disconnect2(served):
    import struct
    from concurrent.futures import Future
    gate=threading.Event()
    seen=[]
    orig=served.desk.store.write
    def write(w):
        f=orig(w); seen.append(f); return f
    served.desk.store.write=write
    orig(lambda s: gate.wait(5))
    host, port = served.host.split(":")
    s=socket.create_connection((host,int(port)))
    s.sendall(req("POST", b"/webhooks/rest/webhook", json.dumps({"sender":"a","message":"hi"}).encode()))
    time.sleep(0.3)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii",1,0))
    s.close()
    time.sleep(0.5)
    print(seen)
    gate.set()
    time.sleep(0.3)
    print("alive", served.desk.store._writer.is_alive(), seen)
