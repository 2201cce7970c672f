import { parse, type ScalarTag, stringify, type Tags } from 'yaml';

/** Kubernetes and Istio read `yes`, `no`, `on`, `off`, `y` and `n` as booleans, as YAML 1.1 does. */
const kubernetesBoolean: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test: /^(?:[Yy]|[Yy]es|YES|[Nn]|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF)$/,
  resolve: (text) => /^(?:y|yes|on)$/i.test(text),
};

export const kubernetesTags = (tags: Tags): Tags => [kubernetesBoolean, ...tags];

/** The value of a text of YAML, as kubectl and istiod read it. Throws for what is none. */
export const parseKubernetesYaml = (text: string): unknown =>
  parse(text, { logLevel: 'error', merge: true, customTags: kubernetesTags });

/** A value as YAML that they read as the same: words such as `on` stay texts. */
export const writeKubernetesYaml = (value: unknown): string => stringify(value, { version: '1.1' });
