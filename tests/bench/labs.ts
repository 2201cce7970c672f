import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Lab, loadLab } from '#labs';

/** Folder of the project. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export const lab = (id: string): Lab => loadLab(root, id);

const FIRST_SUBNET = 150;
const SUBNETS = 100;

/** A block of loopback addresses that a lab server or a test hardly uses; `place` keeps sandboxes of one run apart. */
export const subnet = (place: number): number => FIRST_SUBNET + ((process.pid * 7 + place) % SUBNETS);
