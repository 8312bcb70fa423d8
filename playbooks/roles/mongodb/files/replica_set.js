// Brings a replica set to what wanted.json says, for `mongosh --nodb --file`; FLSTR_DO is state, health or arrange.
// What it changed is printed, a sentence a line; nothing is printed where nothing was to change.

const fs = require("fs");
const wanted = JSON.parse(fs.readFileSync("/etc/flstr-mongodb/wanted.json", "utf8"));

const ADMIN = "flstr";
const ALREADY_INITIALIZED = 23;
const AUTHENTICATION_FAILED = 18;
const POLL_MILLISECONDS = 500;
const ELECTION_POLLS = 240;

// Loops and no callbacks: the shell waits for a server's answer in the former only.

function here() {
  return connect(`mongodb://${encodeURIComponent(wanted.socket)}/admin?directConnection=true`);
}

function hello(db) {
  return db.adminCommand({ hello: 1 });
}

// The set's primary, whoever that is, as flstr's own user.
function primaryOf(hosts) {
  const db = connect(`mongodb://${hosts.join(",")}/admin?replicaSet=${wanted.service}`);
  db.getSiblingDB("admin").auth({ user: ADMIN, pwd: wanted.password });
  return db;
}

function waitForPrimary() {
  for (let poll = 0; poll < ELECTION_POLLS; poll += 1) {
    const told = hello(here());
    if (told.primary) return told;
    sleep(POLL_MILLISECONDS);
  }
  throw new Error(`the replica set ${wanted.service} has no primary: most of its members have to run`);
}

function found() {
  if (hello(here()).setName) return;
  const members = [{ _id: 0, host: wanted.self }];
  try {
    here().adminCommand({ replSetInitiate: { _id: wanted.service, members } });
    print(`the replica set ${wanted.service} was founded on ${wanted.self}`);
  } catch (error) {
    if (error.code !== ALREADY_INITIALIZED) throw error;
  }
}

// A set that has no user yet lets the machine itself make the first one.
function makeAdmin(hosts) {
  try {
    primaryOf(hosts);
    return;
  } catch (error) {
    if (error.code !== AUTHENTICATION_FAILED) throw error;
  }
  const roles = [{ role: "root", db: "admin" }];
  here().getSiblingDB("admin").runCommand({ createUser: ADMIN, pwd: wanted.password, roles });
  print(`the user ${ADMIN} was made`);
}

function configOf(db) {
  return db.adminCommand({ replSetGetConfig: 1 }).config;
}

function hostsIn(config) {
  return config.members.map((member) => member.host);
}

function waitUntilItFollows(db, host) {
  for (;;) {
    const members = db.adminCommand({ replSetGetStatus: 1 }).members;
    if (members.some((member) => member.name === host && ["PRIMARY", "SECONDARY"].includes(member.stateStr))) return;
    sleep(POLL_MILLISECONDS);
  }
}

function addMembers(db) {
  for (const host of wanted.members) {
    const config = configOf(db);
    if (!hostsIn(config).includes(host)) {
      const id = Math.max(...config.members.map((member) => member._id)) + 1;
      config.members.push({ _id: id, host });
      config.version += 1;
      db.adminCommand({ replSetReconfig: config });
      print(`${host} became a member`);
    }
    waitUntilItFollows(db, host);
  }
}

// Only after all that are wanted hold the data.
function removeMembers(hosts) {
  let db = primaryOf(hosts);
  for (const host of hostsIn(configOf(db))) {
    if (wanted.members.includes(host)) continue;
    if (hello(db).me === host) db = handedOver(db, host);
    const config = configOf(db);
    config.members = config.members.filter((member) => member.host !== host);
    config.version += 1;
    db.adminCommand({ replSetReconfig: config });
    print(`${host} is no member any more`);
  }
  return db;
}

function handedOver(db, host) {
  try {
    db.adminCommand({ replSetStepDown: 120, secondaryCatchUpPeriodSecs: 60 });
  } catch (error) {
    if (error.code) throw error; // else the connection was closed, as it is by one that steps down
  }
  for (let poll = 0; poll < ELECTION_POLLS; poll += 1) {
    try {
      const next = primaryOf(wanted.members);
      if (hello(next).me !== host) {
        print(`${host} handed over to ${hello(next).me}`);
        return next;
      }
    } catch (error) {
      if (poll === ELECTION_POLLS - 1) throw error;
    }
    sleep(POLL_MILLISECONDS);
  }
  throw new Error(`${host} is to leave, and no other member took over`);
}

// As `use DATABASE; db.createUser(…)`: a user is known in the database of its first role, which apps name in their address.
function homeOf(name, user) {
  return user.roles.length > 0 ? user.roles[0].db : name;
}

function sorted(roles) {
  return JSON.stringify(roles.map((one) => `${one.db}/${one.role}`).sort());
}

function comesIn(name, home, password) {
  const db = connect(`mongodb://${encodeURIComponent(wanted.socket)}/admin?directConnection=true`);
  try {
    db.getSiblingDB(home).auth({ user: name, pwd: password });
    return true;
  } catch (error) {
    if (error.code !== AUTHENTICATION_FAILED) throw error;
    return false;
  }
}

function makeUser(db, there, name, user) {
  const home = homeOf(name, user);
  const found = there.find((one) => one.user === name && one.db === home);
  const told = { pwd: user.password, roles: user.roles, customData: { flstr: wanted.service } };
  if (!found) {
    db.getSiblingDB(home).runCommand({ createUser: name, ...told });
    print(`the user ${name} was made in ${home}`);
    return;
  }
  if (!isOurs(found)) throw new Error(`${home} has a user ${name} that flstr did not make: drop or rename it`);
  if (sorted(found.roles) !== sorted(user.roles) || !comesIn(name, home, user.password)) {
    db.getSiblingDB(home).runCommand({ updateUser: name, ...told });
    print(`the user ${name} was changed in ${home}`);
  }
}

function isOurs(user) {
  return user.customData !== undefined && user.customData.flstr !== undefined;
}

function arrangeUsers(db) {
  const there = db.adminCommand({ usersInfo: { forAllDBs: true } }).users;
  for (const [name, user] of Object.entries(wanted.users)) makeUser(db, there, name, user);
  for (const user of there) {
    const kept = wanted.users[user.user];
    if (!isOurs(user) || (kept && homeOf(user.user, kept) === user.db)) continue;
    db.getSiblingDB(user.db).runCommand({ dropUser: user.user });
    print(`the user ${user.user} was dropped from ${user.db}`);
  }
}

function arrange() {
  found();
  const hosts = waitForPrimary().hosts;
  makeAdmin(hosts);
  addMembers(primaryOf(hosts));
  arrangeUsers(removeMembers(hosts));
}

function state() {
  const told = hello(here());
  print(told.setName ? `in ${told.setName}` : "in no set");
}

function health() {
  const told = hello(here());
  if (!told.isWritablePrimary && !told.secondary) throw new Error("it neither takes writes nor follows");
  print("healthy");
}

try {
  ({ state, health, arrange })[process.env.FLSTR_DO]();
} catch (error) {
  print(`MongoDB: ${error.message}`);
  quit(1);
}
