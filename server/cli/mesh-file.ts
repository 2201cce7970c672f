import { ISTIO_MESH_DEFAULTS, type MeshConfig, readMeshText } from '#control-plane';
import { errorMessage } from '#domain';
import { parseKubernetesYaml } from '#istio';
import { type CliIo, readFiles, UsageError } from './command.ts';

/** MeshConfig from a YAML file, over Istio's defaults. Throws `UsageError` when it cannot be read. */
export async function readMeshFile(file: string, io: CliIo): Promise<MeshConfig> {
  const { value } = await readYaml(file, io);
  return readMeshText(value, ISTIO_MESH_DEFAULTS);
}

/** The text of MeshNetworks in a YAML file. Throws `UsageError` when it cannot be read. */
export const readNetworksFile = async (file: string, io: CliIo): Promise<string> => (await readYaml(file, io)).text;

async function readYaml(file: string, io: CliIo): Promise<{ readonly text: string; readonly value: unknown }> {
  const [read] = await readFiles([file], io);
  const text = read?.text ?? '';
  try {
    return { text, value: parseKubernetesYaml(text) };
  } catch (cause) {
    throw new UsageError(`${file} is no YAML: ${errorMessage(cause)}`);
  }
}
