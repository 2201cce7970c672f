import { istioVersion } from '#istio';
import { type Command, UsageError } from '#shell';
import type { PodWorld } from './pod-world.ts';

const ADMIN_PORT = 15000;
const READINESS_PORT = 15021;

/** Istio's agent as `istioctl` and tutorials call it: `pilot-agent request GET config_dump`, `pilot-agent wait`, `pilot-agent version`. */
export const pilotAgent: Command<PodWorld> = {
  name: 'pilot-agent',
  summary: "Istio's agent",
  manual: 'pilot-agent request METHOD PATH · pilot-agent wait · pilot-agent version',
  run: async ([verb, ...args], io, world) => {
    if (verb === 'request') {
      const [method = 'GET', path = ''] = args.filter((arg) => !arg.startsWith('-'));
      const response = await world.fetch(`http://localhost:${ADMIN_PORT}/${path.replace(/^\//, '')}`, { method });
      io.out(response.body.toString('utf8'));
      return response.status < 400 ? 0 : 1;
    }
    if (verb === 'wait') {
      const { status } = await world.fetch(`http://localhost:${READINESS_PORT}/healthz/ready`);
      io.out(status === 200 ? 'Envoy is ready!\n' : 'Envoy is not ready\n');
      return status === 200 ? 0 : 1;
    }
    if (verb === 'version') {
      io.out(
        `version.BuildInfo{Version:"${istioVersion}", GitRevision:"meshwork", GolangVersion:"none", BuildStatus:"Clean", GitTag:"${istioVersion}"}\n`,
      );
      return 0;
    }
    throw new UsageError('pilot-agent: request, wait and version are here');
  },
};
