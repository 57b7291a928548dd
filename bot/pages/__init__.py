"""What people see in a browser. A handler reads, calls the desk or the reports, fills one context, renders."""
