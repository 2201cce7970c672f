import type { JsonRecord } from '../json.ts';

const MINOR = '32';

/** The Kubernetes release whose API this is; clients choose their own behaviour by it. */
export const GIT_VERSION = `v1.${MINOR}.0`;

export const versionInfo: JsonRecord = {
  major: '1',
  minor: MINOR,
  emulationMajor: '1',
  emulationMinor: MINOR,
  minCompatibilityMajor: '1',
  minCompatibilityMinor: String(Number(MINOR) - 1),
  gitVersion: GIT_VERSION,
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '2024-12-11T00:00:00Z',
  goVersion: '',
  compiler: 'meshwork',
  platform: `${process.platform}/${process.arch}`,
};
