export { type LabServer, type LabServerOptions, startLabServer } from './gateway/lab-server.ts';
