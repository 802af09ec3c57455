-- Prefect's own database beside the city's (run once by the postgres container; by hand: createdb -O kijitsu prefect).
CREATE DATABASE prefect OWNER kijitsu ENCODING 'UTF8' TEMPLATE template0;
