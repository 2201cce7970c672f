import type { WorkloadImage } from '../doors.ts';
import { addRawService, decodeFields, encodeFields, type RawHandler, serveGrpc } from '../net/grpc-server.ts';
import { envNumber } from '../serve.ts';

export const GREETER = 'helloworld.Greeter';

/** gRPC's example service on PORT (7070): `SayHello` greets the name that it is given (field 1), and says its own version. */
export const greeterImage: WorkloadImage = {
  name: 'greeter',
  start: async (context) => {
    const port = envNumber(context, 'PORT', 7070);
    const version = context.env['SERVICE_VERSION'] ?? context.pod.labels['version'] ?? 'v1';
    const sayHello: RawHandler = (call, callback) => {
      const name = Buffer.from(decodeFields(call.request).find(({ field }) => field === 1)?.bytes ?? []).toString(
        'utf8',
      );
      context.log(`SayHello from ${name}`);
      callback(null, encodeFields([[1, `Hello ${name}, this is ${version}`]]));
    };
    await serveGrpc(context, port, (server) => addRawService(server, GREETER, { SayHello: sayHello }));
    context.log(`gRPC on 0.0.0.0:${port}`);
  },
};
