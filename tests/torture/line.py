"""A TCP proxy that can delay, silence or cut connections."""

import asyncio
import socket
import struct
import threading


class Line:
    """Listens on its own port and forwards everything to another."""

    def __init__(self, to: int):
        self.to, self.delay, self.deaf, self.trips = to, 0.0, False, 0
        self.open: set[Connection] = set()
        self.loop = asyncio.new_event_loop()
        listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = listening.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, args=[listening], daemon=True)
        self.thread.start()

    def serve(self, listening: socket.socket) -> None:
        asyncio.set_event_loop(self.loop)
        opened = asyncio.start_server(lambda r, w: Connection(self, r, w).pass_on(), sock=listening)
        self.server = self.loop.run_until_complete(opened)
        self.loop.run_forever()

    def at_once(self, act) -> None:
        asyncio.run_coroutine_threadsafe(self.on_each(act), self.loop).result(5)

    async def on_each(self, act) -> None:
        for connection in list(self.open):
            act(connection)

    def silence(self) -> None:
        """Keeps the open connections, but forwards nothing on them any more."""
        self.at_once(Connection.silence)

    def cut(self) -> None:
        """Resets the open connections."""
        self.at_once(Connection.cut)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self.end(), self.loop)
        self.thread.join(10)

    async def end(self) -> None:
        self.server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        # Gives the tasks time to close their sockets.
        self.loop.call_later(0.1, self.loop.stop)


class Connection:
    def __init__(self, line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.line, self.near = line, (reader, writer)
        self.far: tuple | None = None
        self.silent, self.asked = line.deaf, False

    def silence(self) -> None:
        self.silent = True

    def cut(self) -> None:
        for _, writer in filter(None, (self.near, self.far)):
            # Closing with linger 0 discards pending data, and the peer sees a reset.
            if not writer.transport.is_closing():
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()

    async def pass_on(self) -> None:
        self.line.open.add(self)
        try:
            if not self.silent:
                self.far = await asyncio.open_connection("127.0.0.1", self.line.to)
            ways = [(self.near[0], self.far and self.far[1], True)]
            ways += [(self.far[0], self.near[1], False)] if self.far else []
            await asyncio.gather(*(self.copy(*way) for way in ways))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self.line.open.discard(self)
            self.cut()

    async def copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None, asking: bool) -> None:
        while chunk := await reader.read(1 << 16):
            if asking and not self.asked:
                self.line.trips += 1
            self.asked = asking
            if self.silent or not writer:
                continue
            if self.line.delay:
                self.line.loop.call_later(self.line.delay, writer.write, chunk)
            else:
                writer.write(chunk)
        if writer and not self.silent:
            self.line.loop.call_later(self.line.delay, writer.close)
