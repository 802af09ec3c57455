"""The database: tables, repositories, one transaction per unit of work. Import the module that you need."""
