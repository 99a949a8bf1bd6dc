-- The database and the account of mppcqa, with no right on any other.
CREATE DATABASE IF NOT EXISTS mppcqa CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE USER IF NOT EXISTS 'mppcqa'@'127.0.0.1' IDENTIFIED BY '$password';
ALTER USER 'mppcqa'@'127.0.0.1' IDENTIFIED BY '$password';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES, TRIGGER,
    CREATE TEMPORARY TABLES, LOCK TABLES ON mppcqa.* TO 'mppcqa'@'127.0.0.1';
