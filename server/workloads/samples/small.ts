import type { WorkloadImage } from '../doors.ts';
import { echoWebSocket } from '../echo/web-socket.ts';
import { serveWeb } from '../net/web-server.ts';
import { answer, html, pathOf, text } from '../respond.ts';
import { serve } from '../serve.ts';

/** Istio's health-check sample: two ports that answer /foo and /bar. */
export const healthImage: WorkloadImage = {
  name: 'health',
  start: async (context) => {
    for (const port of [8001, 8002]) {
      await serve(context, port, (request) => {
        const name = pathOf(request).slice(1);
        return name === 'foo' || name === 'bar' ? text(200, `Listening on ${port}: ${name} `) : text(404, 'Not Found');
      });
    }
  },
};

const SOCKET_PAGE = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>tornado WebSocket example</title></head>
<body>
<h1>Messages</h1><ul id="messages"></ul>
<script>
const socket = new WebSocket(location.href.replace('http', 'ws') + 'ws');
socket.onmessage = ({ data }) => document.getElementById('messages').append(data, document.createElement('br'));
</script>
</body>
</html>
`;

/** The WebSocket sample: a page, and a socket below /ws that echoes. */
export const webSocketImage: WorkloadImage = {
  name: 'tornado-websocket-example',
  start: async (context) => {
    await serveWeb(context, 8888, (_request, response) => answer(response, html(200, SOCKET_PAGE)), {
      onUpgrade: echoWebSocket('/ws'),
    });
    context.log('listening on 0.0.0.0:8888');
  },
};
