import { istioVersion } from '#istio';
import type { Command } from '../../command.ts';
import { explainStatus } from '../kubectl/errors.ts';
import { withVerbs } from '../verbs.ts';
import { admin } from './admin.ts';
import { analyze } from './analyze.ts';
import { experimental } from './authz.ts';
import { elsewhere } from './elsewhere.ts';
import { proxyConfig } from './proxy-config.ts';
import { proxyStatus } from './proxy-status.ts';
import { validate } from './validate.ts';
import { version } from './version.ts';

/** istioctl's exit code for a command or flag that it does not know. */
const EXIT_USAGE = 64;

export const istioctl: Command = withVerbs({
  name: 'istioctl',
  summary: 'ask the mesh: proxies, their configuration, mistakes',
  intro: `istioctl speaks with the lab's control plane and proxies. They behave as Istio ${istioVersion} does.`,
  verbs: [proxyStatus, proxyConfig, analyze, validate, experimental, admin, version, ...elsewhere],
  usageCode: EXIT_USAGE,
  explain: explainStatus,
});
