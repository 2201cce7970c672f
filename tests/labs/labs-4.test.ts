import { proveLabs } from '../support/prove-labs.ts';

proveLabs(3, 6);
