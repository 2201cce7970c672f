// The child process: gRPC's own xDS server, unmodified. Its name and the address that it binds are its arguments; it says its port once.
import { ServerCredentials } from '@grpc/grpc-js';
import { register, XdsServer, XdsServerCredentials } from '@grpc/grpc-js-xds';
import { addAskService } from './ask-service.ts';

const [name = '', address = ''] = process.argv.slice(2);
register();
const server = new XdsServer();
addAskService(server, name);
// With these the control plane decides about TLS; where it says nothing, plaintext it is.
const credentials = new XdsServerCredentials(ServerCredentials.createInsecure());
server.bindAsync(address, credentials, (error, port) => process.send?.({ port, error: error?.message }));
process.on('disconnect', () => process.exit(0));
