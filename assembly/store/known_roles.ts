import { ATTEMPTS, Store } from "./primitives/store";

/** The roles by their bit in the value, which is one byte. */
const ROLES: string[] = ["server", "client"];
const SIZE: i32 = 1;

/** The roles of streams through the plugins with one name, on any worker. */
export class KnownRoles {
  constructor(private shared: Store) {}

  values(): string[] {
    const bits = this.load();
    const roles: string[] = [];
    for (let i = 0; i < ROLES.length; i++) {
      if (bits & (1 << i)) roles.push(ROLES[i]);
    }
    return roles;
  }

  add(role: string): void {
    const bit: u32 = 1 << ROLES.indexOf(role);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const bits = this.load();
      if (bits & bit) return;
      store<u8>(this.shared.page, <u8>(bits | bit));
      this.shared.length = SIZE;
      if (this.shared.save()) return;
    }
  }

  private load(): u32 {
    this.shared.load("roles");
    return this.shared.length == SIZE ? load<u8>(this.shared.page) : 0;
  }
}
